//! Events as JSON objects; `docs/cli.md` describes them.

use kit_build::Event;
use kit_build::seams::Finished;
use serde_json::{Value, json};

/// Returns the object of an event.
pub(super) fn object(event: &Event<'_>) -> Value {
    match event {
        Event::Planned { steps, reused, fetch_bytes } => {
            json!({ "event": "planned", "steps": steps, "reused": reused, "fetch_bytes": fetch_bytes })
        }
        Event::Started { title, bytes } => json!({ "event": "started", "step": title, "bytes": bytes }),
        Event::Fetched { title, bytes } => json!({ "event": "fetched", "step": title, "bytes": bytes }),
        Event::Printed { title, bytes } => {
            json!({ "event": "printed", "step": title, "text": String::from_utf8_lossy(bytes) })
        }
        Event::Waiting { title } => json!({ "event": "waiting", "step": title }),
        Event::Finished { title, how, millis } => {
            json!({ "event": "finished", "step": title, "how": word(*how), "millis": millis })
        }
    }
}

fn word(how: Finished) -> &'static str {
    match how {
        Finished::Done => "done",
        Finished::Reused => "reused",
        Finished::Failed => "failed",
    }
}
