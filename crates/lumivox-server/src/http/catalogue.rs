//! Which models and voices there are.

use axum::Json;
use axum::extract::{Path, Query, State as AxumState};
use serde::Deserialize;
use serde_json::{Value, json};

use super::State;
use crate::engine::{ALIASES, Available};
use crate::error::{ApiError, Result};

fn describe(state: &State, name: &str) -> Value {
    json!({ "id": name, "object": "model", "created": 0, "owned_by": "lumivox", "loaded": state.engine.models.is_loaded(name) })
}

/// Models that are here, and OpenAI's names for the default one.
pub(super) async fn models(AxumState(state): AxumState<State>) -> Json<Value> {
    let available = state.engine.models.available();
    let names = available.iter().map(|model| model.name.as_str()).chain(ALIASES);
    let data: Vec<Value> = names.map(|name| describe(&state, name)).collect();
    Json(json!({ "object": "list", "data": data }))
}

/// One of them.
pub(super) async fn model(AxumState(state): AxumState<State>, Path(name): Path<String>) -> Result<Json<Value>> {
    let known =
        ALIASES.contains(&name.as_str()) || state.engine.models.available().iter().any(|model| model.name == name);
    let message = format!("the model `{}` is not here", name.escape_debug());
    known.then(|| Json(describe(&state, &name))).ok_or(ApiError::NotFound { message, param: Some("model") })
}

#[derive(Deserialize)]
pub(super) struct Which {
    model: Option<String>,
}

/// The voices of all models, or of one.
pub(super) async fn voices(AxumState(state): AxumState<State>, Query(which): Query<Which>) -> Result<Json<Value>> {
    let engine = state.engine.clone();
    let listed = tokio::task::spawn_blocking(move || list(&engine.models, which.model.as_deref())).await;
    listed.map_err(|error| ApiError::Internal(error.to_string()))?
}

fn list(models: &crate::engine::Models, only: Option<&str>) -> Result<Json<Value>> {
    let only = only.map(|name| if ALIASES.contains(&name) { models.default_name() } else { name });
    let wanted = |model: &Available| only.is_none_or(|name| model.name == name);
    let mut voices = Vec::new();
    for model in models.available().into_iter().filter(wanted) {
        // A damaged model must not hide the others; whoever asks for it is told.
        match models.voices(&model) {
            Ok(known) => voices.extend(known.list.iter().map(
                |voice| json!({ "id": voice.id, "name": voice.id, "language": voice.language, "model": model.name }),
            )),
            Err(error) if only.is_none() => tracing::warn!(model = model.name, %error, "voices can't be listed"),
            Err(error) => return Err(error),
        }
    }
    Ok(Json(json!({ "object": "list", "voices": voices })))
}
