//! `kafka:`: one message a finding, its key the fingerprint, by librdkafka's idempotent producer.

use super::{Alarm, Kind, Refusal, Sink, Target};
use rdkafka::ClientConfig;
use rdkafka::error::RDKafkaErrorCode;
use rdkafka::message::DeliveryResult;
use rdkafka::producer::{BaseRecord, Producer, ProducerContext, ThreadedProducer};
use rdkafka::{ClientContext, Message};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// The kind.
pub(super) const KIND: Kind = Kind {
    schemes: &["kafka"],
    doc: "Kafka: kafka://HOST[,HOST..]/TOPIC (wirelint.findings)",
    port: 9092,
    batch: 500,
    open,
};

/// Longest wait for a batch.
const PATIENCE: Duration = Duration::from_secs(10);

struct Kafka {
    producer: ThreadedProducer<Reports>,
    reports: Reports,
    topic: String,
}

/// What came of each message of a batch.
#[derive(Clone, Default)]
struct Reports(Arc<Mutex<Vec<Option<Result<(), String>>>>>);

impl ClientContext for Reports {
    // Troubles come back with the messages; librdkafka's own log would go to standard error.
    fn log(&self, _: rdkafka::config::RDKafkaLogLevel, _: &str, _: &str) {}
    fn error(&self, _: rdkafka::error::KafkaError, _: &str) {}
}

impl ProducerContext for Reports {
    type DeliveryOpaque = Box<usize>;

    fn delivery(&self, result: &DeliveryResult<'_>, at: Box<usize>) {
        let result = match result {
            Ok(message) => message.topic_list(),
            Err((error, _)) => Err(error.to_string()),
        };
        if let Some(slot) = self.0.lock().unwrap_or_else(PoisonError::into_inner).get_mut(*at) {
            *slot = Some(result);
        }
    }
}

/// That a message has a topic is all that is asked of one that arrived.
trait Arrived {
    fn topic_list(&self) -> Result<(), String>;
}

impl<M: Message> Arrived for M {
    fn topic_list(&self) -> Result<(), String> {
        Ok(())
    }
}

fn open(target: &Target) -> Result<Box<dyn Sink>, String> {
    let topic = target.path.trim_matches('/');
    let topic = if topic.is_empty() { "wirelint.findings" } else { topic };
    let hosts: Vec<_> = target.host.split(',').map(|host| format!("{host}:{}", target.port)).collect();
    let reports = Reports::default();
    let producer = ClientConfig::new()
        .set("bootstrap.servers", hosts.join(","))
        .set("enable.idempotence", "true")
        .set("message.timeout.ms", "8000")
        .set("client.id", "wirelint")
        .create_with_context(reports.clone())
        .map_err(|e| e.to_string())?;
    Ok(Box::new(Kafka { producer, reports, topic: topic.to_owned() }))
}

impl Sink for Kafka {
    fn send(&mut self, batch: &[Alarm]) -> Result<(), (usize, Refusal)> {
        *self.reports.0.lock().unwrap_or_else(PoisonError::into_inner) = vec![None; batch.len()];
        for (at, alarm) in batch.iter().enumerate() {
            let record = BaseRecord::with_opaque_to(&self.topic, Box::new(at));
            let record = record.key(&alarm.fingerprint).payload(&alarm.record);
            if let Err((error, _)) = self.producer.send(record) {
                let full = error.rdkafka_error_code() == Some(RDKafkaErrorCode::QueueFull);
                let why = if full { "its queue is full".to_owned() } else { error.to_string() };
                return Err((0, Refusal::Later(why)));
            }
        }
        let flushed = self.producer.flush(PATIENCE);
        let reports = std::mem::take(&mut *self.reports.0.lock().unwrap_or_else(PoisonError::into_inner));
        match reports.iter().position(|report| !matches!(report, Some(Ok(())))) {
            None => Ok(()),
            Some(at) => {
                let why = match reports.get(at) {
                    Some(Some(Err(error))) => error.clone(),
                    _ => flushed.err().map_or_else(|| "no acknowledgement".into(), |e| e.to_string()),
                };
                Err((at, Refusal::Later(why)))
            }
        }
    }
}
