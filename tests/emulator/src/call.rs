//! The path of a call: noted, delayed, perhaps made to fail, performed, answered.

use std::{
    sync::{Arc, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use http::{Request, Response};

use crate::{
    body::{Body, cut_short},
    control,
    emulator::{Emulator, Hook, State},
    error::ApiError,
    fault::Fault,
    operation::Operation,
    operations::{Desk, Done},
    record::{Answer, Call},
    wire::{self, Input},
};

/// The connection was reset: there is no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the emulator reset the connection")]
pub struct Dropped;

impl Emulator {
    /// Answers one HTTP request, in process. Paths under `/_emulator/` are the control endpoints.
    /// A hanging call never returns.
    ///
    /// # Errors
    ///
    /// [`Dropped`] where a server would reset the connection.
    pub async fn call(&self, request: Request<Bytes>) -> Result<Response<Body>, Dropped> {
        let (parts, body) = request.into_parts();
        if let Some(path) = parts.uri.path().strip_prefix("/_emulator/") {
            return Ok(control::answer(self, &parts.method, path, &body));
        }
        let operation = Operation::of(&parts.method, parts.uri.path());
        let input = Input::read(&body);
        let flight = self.arrive(operation, input.as_ref().ok(), body);
        if !flight.latency.is_zero() {
            tokio::time::sleep(flight.latency).await;
        }
        let fault = flight.decide(operation);
        match fault {
            Some(Fault::ResetBefore) => return flight.reset(),
            Some(Fault::HangBefore) => return std::future::pending().await,
            _ => {}
        }
        if let Some(page) = fault.and_then(wire::page_of_fault) {
            return Ok(flight.answer(page));
        }
        let request_id = self.state().record.new_request_id();
        if let Some(error) = fault.and_then(|fault| ApiError::of_fault(fault, operation)) {
            return Ok(flight.answer(wire::answer(Err(error), &request_id)));
        }
        let result = match input {
            Ok(input) => self.perform(operation, input, &flight),
            Err(error) => Err(error),
        };
        let hold_back = self.state().dice.hold_back(operation, fault);
        if !hold_back.is_zero() {
            tokio::time::sleep(hold_back).await;
        }
        let response = wire::answer(result, &request_id);
        match fault {
            Some(Fault::ResetAfter) => flight.reset(),
            Some(Fault::HangAfter) => std::future::pending().await,
            Some(Fault::CutShort) => {
                flight.end(Answer::CutShort);
                Ok(cut_short(response))
            }
            _ => Ok(flight.answer(response)),
        }
    }

    fn arrive(&self, operation: Operation, input: Option<&Input>, body: Bytes) -> Flight<'_> {
        let mut state = self.state();
        let at = state.clock.now();
        state.record.in_flight += 1;
        let in_flight = state.record.in_flight;
        let number = state.record.begin(Call {
            operation,
            job_ids: input.map(Input::job_ids).unwrap_or_default(),
            reason: input.and_then(|input| input.reason.clone()),
            body,
            answer: Answer::None,
            fault: None,
            refused_jobs: 0,
            omitted_jobs: 0,
            at,
            performed_at: None,
            answered_at: None,
            in_flight,
        });
        Flight {
            emulator: self,
            number,
            latency: state.dice.latency(operation),
        }
    }

    fn perform(
        &self,
        operation: Operation,
        input: Input,
        flight: &Flight<'_>,
    ) -> Result<Bytes, ApiError> {
        self.run_hooks(operation, &input);
        let (mut state, now) = self.settled();
        let State { world, dice, .. } = &mut *state;
        let done = Desk { world, dice, now }.perform(operation, input);
        state.world.settle(now);
        drop(state);
        let Done {
            body,
            refused,
            omitted,
        } = done?;
        flight.note(|call| {
            call.refused_jobs = refused;
            call.omitted_jobs = omitted;
            call.performed_at = Some(now);
        });
        Ok(body)
    }

    fn run_hooks(&self, operation: Operation, input: &Input) {
        let hooks: Vec<Hook> = {
            let hooks = self
                .inner
                .hooks
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            let wanted = hooks.iter().filter(|(of, _)| *of == operation);
            wanted.map(|(_, hook)| Arc::clone(hook)).collect()
        };
        if !hooks.is_empty() {
            let ids = input.job_ids();
            for hook in hooks {
                hook(self, &ids);
            }
        }
    }
}

/// A call under way, with its place in the record. It ends when it is dropped, so also when its
/// caller goes away.
struct Flight<'a> {
    emulator: &'a Emulator,
    number: usize,
    latency: Duration,
}

impl Flight<'_> {
    fn note(&self, change: impl FnOnce(&mut Call)) {
        if let Some(call) = self.emulator.state().record.call_mut(self.number) {
            change(call);
        }
    }

    fn decide(&self, operation: Operation) -> Option<Fault> {
        let mut state = self.emulator.state();
        let now = state.clock.now();
        let fault = state.dice.decide(operation, now);
        drop(state);
        self.note(|call| call.fault = fault);
        fault
    }

    fn end(&self, answer: Answer) {
        let now = self.emulator.now();
        self.note(|call| {
            call.answer = answer;
            call.answered_at = Some(now);
        });
    }

    fn answer(&self, response: Response<Body>) -> Response<Body> {
        let status = response.status().as_u16();
        self.end(Answer::Status(status));
        response
    }

    fn reset<T>(&self) -> Result<T, Dropped> {
        self.end(Answer::Reset);
        Err(Dropped)
    }
}

impl Drop for Flight<'_> {
    fn drop(&mut self) {
        let mut state = self.emulator.state();
        state.record.in_flight = state.record.in_flight.saturating_sub(1);
    }
}
