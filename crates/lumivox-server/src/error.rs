//! What can be wrong with a request, said once for every protocol.

use std::time::Duration;

use lumivox::store::StoreError;
use serde_json::{Value, json};

/// A request that can't be served, or not now.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ApiError {
    /// Something in the request is wrong; `param` names the field.
    #[error("{message}")]
    Invalid {
        /// What, and what would be right.
        message: String,
        /// The field.
        param: Option<&'static str>,
    },
    /// No such model, voice or page.
    #[error("{message}")]
    NotFound {
        /// What is not there, and what is.
        message: String,
        /// The field that names it.
        param: Option<&'static str>,
    },
    /// The key is missing or wrong.
    #[error("the request needs a valid key: `Authorization: Bearer …`")]
    Unauthorized,
    /// The text or body is longer than this server takes.
    #[error("{0}")]
    TooLarge(String),
    /// All places are taken.
    #[error("{message}; try again in {} s", retry_after.as_secs())]
    Busy {
        /// What there is too much of.
        message: String,
        /// When it is worth another try.
        retry_after: Duration,
    },
    /// The request waited too long, or its reader did not read.
    #[error("the request was given up after {} s without progress", .0.as_secs())]
    TimedOut(Duration),
    /// The server is about to stop.
    #[error("the server is shutting down")]
    ShuttingDown,
    /// The server's own fault.
    #[error("{0}")]
    Internal(String),
}

/// What a request ends with.
pub type Result<T, E = ApiError> = std::result::Result<T, E>;

impl ApiError {
    /// A field that is wrong.
    pub fn invalid(param: &'static str, message: impl Into<String>) -> Self {
        Self::Invalid { message: message.into(), param: Some(param) }
    }

    /// Its HTTP status.
    pub fn status(&self) -> u16 {
        match self {
            Self::Invalid { .. } => 400,
            Self::Unauthorized => 401,
            Self::NotFound { .. } => 404,
            Self::TooLarge(_) => 413,
            Self::Busy { .. } => 429,
            Self::Internal(_) => 500,
            Self::ShuttingDown => 503,
            Self::TimedOut(_) => 504,
        }
    }

    /// A word for it, in metrics and for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Invalid { .. } => "invalid_value",
            Self::Unauthorized => "invalid_api_key",
            Self::NotFound { .. } => "not_found",
            Self::TooLarge(_) => "too_large",
            Self::Busy { .. } => "busy",
            Self::Internal(_) => "internal_error",
            Self::ShuttingDown => "shutting_down",
            Self::TimedOut(_) => "timeout",
        }
    }

    /// The body that OpenAI's API gives for an error.
    pub fn to_json(&self) -> Value {
        let kind = match self.status() {
            401 => "authentication_error",
            429 => "rate_limit_error",
            500.. => "server_error",
            _ => "invalid_request_error",
        };
        let param = match self {
            Self::Invalid { param, .. } | Self::NotFound { param, .. } => *param,
            _ => None,
        };
        json!({ "error": { "message": self.to_string(), "type": kind, "param": param, "code": self.code() } })
    }
}

impl From<lumivox::Error> for ApiError {
    fn from(error: lumivox::Error) -> Self {
        use lumivox::Error as E;
        let message = error.to_string();
        let invalid = |param| Self::Invalid { message: message.clone(), param };
        match error {
            E::UnknownVoice { .. } | E::UnknownSpeaker { .. } => Self::NotFound { message, param: Some("voice") },
            E::VoiceSyntax(_) | E::NoFrontEnd { .. } => invalid(Some("voice")),
            E::OutOfRange { name: "speed", .. } => invalid(Some("speed")),
            E::TextTooLong { .. } => Self::TooLarge(message),
            E::NothingToSay { .. } | E::Ssml(_) => invalid(Some("input")),
            E::OutOfRange { .. } | E::NotOfFamily { .. } | E::PhonemesOnly { .. } | E::UnknownSymbol { .. } => {
                invalid(None)
            }
            E::Text(error) if error.is_of_request() => invalid(None),
            _ => Self::Internal(message),
        }
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        let message = error.to_string();
        match error {
            StoreError::UnknownModel { .. } => Self::NotFound { message, param: Some("model") },
            _ => Self::Internal(message),
        }
    }
}
