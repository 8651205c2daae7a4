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
        Event::Sending { blobs, there, bytes } => {
            json!({ "event": "sending", "blobs": blobs, "there": there, "bytes": bytes })
        }
        Event::Sent { title, bytes } => json!({ "event": "sent", "step": title, "bytes": bytes }),
        Event::Converted { title, bytes, of } => {
            json!({ "event": "converted", "step": title, "bytes": bytes, "of": of })
        }
        Event::Printed { title, bytes } => {
            json!({ "event": "printed", "step": title, "text": String::from_utf8_lossy(bytes) })
        }
        Event::Waiting { title } => json!({ "event": "waiting", "step": title }),
        Event::Repaired { item, problem } => json!({ "event": "repaired", "item": item, "problem": problem }),
        Event::Finished { title, how, millis } => {
            json!({ "event": "finished", "step": title, "how": word(*how), "millis": millis })
        }
    }
}

/// The words of `docs/cli.md`.
fn word(how: Finished) -> &'static str {
    match how {
        Finished::Done => "done",
        Finished::Reused => "reused",
        Finished::Failed => "failed",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `docs/cli.md` promises these keys.
    #[test]
    fn events_are_as_documented() {
        let events = [
            Event::Planned { steps: 2, reused: 1, fetch_bytes: 3 },
            Event::Started { title: "a", bytes: None },
            Event::Fetched { title: "a", bytes: 3 },
            Event::Sending { blobs: 1, there: 2, bytes: 3 },
            Event::Sent { title: "a", bytes: 3 },
            Event::Printed { title: "a", bytes: b"\xff\x1b\n" },
            Event::Waiting { title: "a" },
            Event::Finished { title: "a", how: Finished::Reused, millis: 4 },
        ];
        let lines: Vec<_> = events.iter().map(|event| object(event).to_string()).collect();
        assert_eq!(
            lines,
            [
                r#"{"event":"planned","fetch_bytes":3,"reused":1,"steps":2}"#,
                r#"{"bytes":null,"event":"started","step":"a"}"#,
                r#"{"bytes":3,"event":"fetched","step":"a"}"#,
                r#"{"blobs":1,"bytes":3,"event":"sending","there":2}"#,
                r#"{"bytes":3,"event":"sent","step":"a"}"#,
                "{\"event\":\"printed\",\"step\":\"a\",\"text\":\"\u{fffd}\\u001b\\n\"}",
                r#"{"event":"waiting","step":"a"}"#,
                r#"{"event":"finished","how":"reused","millis":4,"step":"a"}"#,
            ]
        );
    }
}
