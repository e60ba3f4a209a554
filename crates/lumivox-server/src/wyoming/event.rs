//! Events of Wyoming on the wire: a line of JSON, then perhaps more JSON, then perhaps bytes; the line says how many of each.

use serde_json::{Map, Value, json};
use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// The longest line, and the longest JSON behind it. Payloads of clients are audio, which this server has no use for.
const MOST_BYTES: u64 = 1 << 20;

/// An event.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// What it is: `synthesize`, `audio-chunk` and the like.
    pub kind: String,
    /// What belongs to it.
    pub data: Map<String, Value>,
    /// Bytes, of audio for one.
    pub payload: Vec<u8>,
}

/// Why nothing can be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// The stream fails, or ends inside an event.
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// What came is no event, or too long.
    #[error("{0}")]
    Malformed(String),
}

impl Event {
    /// An event without a payload. Data that are no object are none.
    pub fn new(kind: &str, data: Value) -> Self {
        let data = if let Value::Object(data) = data { data } else { Map::new() };
        Self { kind: kind.to_owned(), data, payload: Vec::new() }
    }

    /// A text among the data.
    pub fn text(&self, key: &str) -> Option<&str> {
        self.data.get(key)?.as_str()
    }

    /// The next event; `None` at the end of the stream. No more than a megabyte is taken of each of its parts.
    ///
    /// # Errors
    /// What comes is no event, or the stream fails.
    pub async fn read(from: &mut (impl AsyncBufRead + Unpin)) -> Result<Option<Self>, ReadError> {
        let malformed = |what: &str| ReadError::Malformed(what.to_owned());
        let mut line = Vec::new();
        if (&mut *from).take(MOST_BYTES).read_until(b'\n', &mut line).await? == 0 {
            return Ok(None);
        }
        if line.last() != Some(&b'\n') {
            return Err(malformed("a line has no end, or is too long"));
        }
        let mut head: Map<String, Value> = serde_json::from_slice(&line)
            .map_err(|error| ReadError::Malformed(format!("a line is not an event: {error}")))?;
        let length = |key: &str| head.get(key).and_then(Value::as_u64).unwrap_or(0);
        let (data_length, payload_length) = (length("data_length"), length("payload_length"));
        if data_length > MOST_BYTES || payload_length > MOST_BYTES {
            return Err(malformed("an event is too long"));
        }
        let mut data = match head.remove("data") {
            Some(Value::Object(data)) => data,
            _ => Map::new(),
        };
        if data_length > 0 {
            let mut more = vec![0; data_length as usize];
            from.read_exact(&mut more).await?;
            let more: Map<String, Value> = serde_json::from_slice(&more)
                .map_err(|error| ReadError::Malformed(format!("an event's data are not JSON: {error}")))?;
            data.extend(more);
        }
        let mut payload = vec![0; payload_length as usize];
        from.read_exact(&mut payload).await?;
        let kind = head.get("type").and_then(Value::as_str).ok_or_else(|| malformed("an event has no type"))?;
        Ok(Some(Self { kind: kind.to_owned(), data, payload }))
    }

    /// Writes it.
    ///
    /// # Errors
    /// The stream fails.
    pub async fn write(&self, to: &mut (impl AsyncWrite + Unpin)) -> std::io::Result<()> {
        let data = Value::Object(self.data.clone()).to_string();
        let mut head = json!({ "type": self.kind, "version": env!("CARGO_PKG_VERSION"), "data_length": data.len() });
        if !self.payload.is_empty() {
            head["payload_length"] = self.payload.len().into();
        }
        let mut bytes = format!("{head}\n{data}").into_bytes();
        bytes.extend(&self.payload);
        to.write_all(&bytes).await?;
        to.flush().await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn read(bytes: &[u8]) -> Result<Option<Event>, ReadError> {
        Event::read(&mut std::io::Cursor::new(bytes)).await
    }

    #[tokio::test]
    async fn what_is_written_is_read() {
        let event =
            Event { payload: vec![1, 2, 3], ..Event::new("audio-chunk", json!({ "rate": 24000, "größe": "é" })) };
        let mut bytes = Vec::new();
        event.write(&mut bytes).await.unwrap();
        assert_eq!(read(&bytes).await.unwrap(), Some(event));
        assert_eq!(read(b"").await.unwrap(), None);
        let inline = read(b"{\"type\": \"synthesize\", \"data\": {\"text\": \"Hi\"}}\n").await.unwrap().unwrap();
        assert_eq!((inline.kind.as_str(), inline.text("text")), ("synthesize", Some("Hi")));
    }

    #[tokio::test]
    async fn damage_is_told() {
        for bytes in [
            &b"{\"type\": \"x\""[..],
            b"[]\n",
            b"{}\n",
            b"{\"type\": \"x\", \"data_length\": 5}\n{}",
            b"{\"type\": \"x\", \"data_length\": 2}\n[]",
            b"{\"type\": \"x\", \"payload_length\": 99999999999}\n",
            b"\xff\n",
        ] {
            assert!(read(bytes).await.is_err(), "{:?}", String::from_utf8_lossy(bytes));
        }
        assert!(read(&vec![b' '; 2 << 20]).await.is_err());
    }
}
