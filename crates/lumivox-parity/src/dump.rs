//! A folder of stage tensors as reference: what the programs in `tools/reference` write, a file an utterance.

use std::collections::BTreeMap;
use std::path::Path;
use std::rc::Rc;

use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;
use sha2::{Digest, Sha256};

use crate::capture::{Array, DURATIONS, Difference, INCOMPARABLE, Tensors};
use crate::golden::Golden;
use crate::kokoro;
use crate::ours::Ours;
use crate::reference::{Identity, Reference, Said, hex, sha256};
use crate::utterance::{Delivery, Utterance};
use crate::vits;

/// A folder of goldens.
pub struct Dump {
    identity: Identity,
    goldens: Vec<(Utterance, Rc<Golden<Case>>)>,
}

/// What the reference was asked to say.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
enum Case {
    Kokoro(kokoro::Case),
    Vits(vits::Case),
}

impl Dump {
    /// Reads a folder.
    ///
    /// # Errors
    /// If it has no such files, or one can't be read.
    pub fn open(folder: &Path) -> Result<Self> {
        let advice =
            "a reference folder holds .safetensors files that tools/reference/{kokoro,piper,vits}_golden.py wrote";
        let goldens: Vec<Golden<Case>> = Golden::open_all(folder).context(advice)?;
        let goldens =
            goldens.into_iter().map(|golden| Ok((utterance(&golden)?, Rc::new(golden)))).collect::<Result<Vec<_>>>()?;
        let kokoro = |golden: &Golden<Case>| matches!(golden.case, Case::Kokoro(_));
        let runtime = if goldens.iter().all(|(_, golden)| kokoro(golden)) {
            "stage tensors of PyTorch (kokoro 0.9.4)"
        } else {
            "stage tensors"
        };
        ensure!(goldens.windows(2).all(|pair| kokoro(&pair[0].1) == kokoro(&pair[1].1)), "the folder mixes families");
        let identity = Identity { runtime: runtime.into(), path: folder.to_owned(), sha256: folder_sha256(folder)? };
        Ok(Self { identity, goldens })
    }
}

impl Reference for Dump {
    fn identity(&self) -> &Identity {
        &self.identity
    }

    fn utterances(&self) -> Result<Option<Vec<Utterance>>> {
        Ok(Some(self.goldens.iter().map(|(utterance, _)| utterance.clone()).collect()))
    }

    fn say(&mut self, _: &Ours, utterance: &Utterance) -> Result<Said> {
        let Some(place) = self.goldens.iter().position(|(known, _)| known == utterance) else {
            bail!("the reference is a folder of utterances, and has no `{}` that is said so", utterance.name)
        };
        let golden = self.goldens[place].1.clone();
        let whole = |name: &str| golden.whole(name).with_context(|| format!("{}: no {name}", golden.name));
        let mut inject = BTreeMap::new();
        let mut audio = golden.whole("audio").map(|x| Array::of(&x)).transpose()?.map(|x| x.values);
        if let Case::Kokoro(_) = golden.case {
            inject.insert("F0".to_owned(), Array::of(&whole("F0")?)?);
            inject.insert("har_source".to_owned(), Array::of(&whole("source")?)?);
        } else if golden.is_sampled("audio") {
            audio = None;
        }
        Ok(Said {
            tensors: Box::new(golden),
            inject,
            audio,
            floors: BTreeMap::new(),
            bounds: BTreeMap::new(),
            notes: Vec::new(),
        })
    }
}

fn utterance(golden: &Golden<Case>) -> Result<Utterance> {
    let ids = golden.whole("ids").with_context(|| format!("{}: no ids", golden.name))?;
    let ids = ids.to_vec1::<f32>()?.into_iter().map(|id| id as u32).collect();
    let (phonemes, seed, delivery) = match &golden.case {
        Case::Kokoro(case) => {
            let row = case.phonemes.chars().count().max(1) - 1;
            let delivery = Delivery::Kokoro { voice: case.voice.clone(), row, speed: case.speed };
            (Some(case.phonemes.clone()), case.seed, delivery)
        }
        Case::Vits(case) => {
            let vits::Case { seed, noise_scale, length_scale, noise_scale_w, speaker } = *case;
            (None, seed, Delivery::Vits { speaker, noise_scale, length_scale, noise_scale_w })
        }
    };
    Ok(Utterance { name: golden.name.clone(), phonemes, ids, seed, delivery })
}

impl Tensors for Rc<Golden<Case>> {
    fn difference(&self, name: &str, x: &Array) -> Result<Option<Difference>> {
        let stored = match (name, &self.case) {
            (DURATIONS, Case::Kokoro(_)) => "pred_dur",
            _ => name,
        };
        let tensor = x.tensor()?;
        let Some(relative_l2) = self.error(stored, &tensor)? else { return Ok(None) };
        let max_abs = self.max_abs(stored, &tensor)?.unwrap_or(INCOMPARABLE.max_abs);
        Ok(Some(Difference { relative_l2, max_abs }))
    }
}

/// SHA-256 over the names and hashes of a folder's tensors.
fn folder_sha256(folder: &Path) -> Result<String> {
    let entries = std::fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<std::io::Result<Vec<_>>>()?;
    let mut files: Vec<_> =
        entries.into_iter().filter(|path| path.extension().is_some_and(|e| e == "safetensors")).collect();
    files.sort();
    let mut hasher = Sha256::new();
    for file in files {
        let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        hasher.update(format!("{}  {name}\n", sha256(&file)?));
    }
    Ok(hex(&hasher.finalize()))
}
