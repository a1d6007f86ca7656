//! ACCESS, the services of short names, and a block of general block transfer.

use dlms_core::xdlms::{
    AccessRequest, AccessResponse, AccessResult, AccessSpecification, AttributeSelection,
    GeneralBlockTransfer, InformationReport, LongInvokeIdAndPriority, ReadResponse, ReadResult,
    VariableAccess, WriteRequest, WriteResponse, WriteResult,
};

use super::{Tree, date_time_text, octets_text};

impl Tree {
    pub(super) fn transfer_block(&mut self, depth: usize, block: &GeneralBlockTransfer<'_>) {
        let last = if block.last { ", the last" } else { "" };
        let streaming = if block.streaming { ", streaming" } else { "" };
        self.line(
            depth,
            format_args!(
                "general-block-transfer: block {}{last}{streaming}, window {}, acknowledged {}, \
                 {} octets",
                block.number,
                block.window,
                block.acknowledged,
                block.octets.len()
            ),
        );
    }

    pub(super) fn access_request(&mut self, depth: usize, request: &AccessRequest<'_>) {
        self.long_invoke(depth, request.invoke);
        if let Some(time) = date_time_text(request.date_time) {
            self.line(depth, format_args!("date-time {time}"));
        }
        for (specification, data) in request.specification.iter().zip(&request.data) {
            self.specification(depth, specification);
            // A read has nothing to carry.
            if !matches!(specification, AccessSpecification::Get { .. }) {
                self.raw(depth + 1, data);
            }
        }
    }

    pub(super) fn access_response(&mut self, depth: usize, response: &AccessResponse<'_>) {
        self.long_invoke(depth, response.invoke);
        if let Some(time) = date_time_text(response.date_time) {
            self.line(depth, format_args!("date-time {time}"));
        }
        let mut asked = response.specification.iter().flatten();
        for (result, data) in response.results.iter().zip(&response.data) {
            if let Some(specification) = asked.next() {
                self.specification(depth, specification);
            }
            match result {
                AccessResult::Get(result) => self.line(depth, format_args!("get: {result}")),
                AccessResult::Set(result) => self.line(depth, format_args!("set: {result}")),
                AccessResult::Action(result) => self.line(depth, format_args!("action: {result}")),
            }
            self.raw(depth + 1, data);
        }
    }

    fn specification(&mut self, depth: usize, specification: &AccessSpecification<'_>) {
        match *specification {
            AccessSpecification::Get { attribute, selection }
            | AccessSpecification::Set { attribute, selection } => {
                self.selection(depth, &AttributeSelection { attribute, selection });
            }
            AccessSpecification::Action(method) => self.method(depth, method),
        }
    }

    fn long_invoke(&mut self, depth: usize, invoke: LongInvokeIdAndPriority) {
        let confirmed = if invoke.confirmed() { "confirmed" } else { "unconfirmed" };
        let priority = if invoke.high_priority() { "high" } else { "normal" };
        let descriptive = if invoke.self_descriptive() { ", self-descriptive" } else { "" };
        let breaks = if invoke.break_on_error() { ", break on error" } else { "" };
        let id = invoke.id();
        self.line(
            depth,
            format_args!("invoke-id {id}, {confirmed}, {priority} priority{descriptive}{breaks}"),
        );
    }

    pub(super) fn variables(&mut self, depth: usize, variables: &[VariableAccess<'_>]) {
        variables.iter().for_each(|variable| self.variable(depth, variable));
    }

    fn variable(&mut self, depth: usize, variable: &VariableAccess<'_>) {
        match variable {
            VariableAccess::Name(name) => self.line(depth, format_args!("short name {name}")),
            VariableAccess::Parameterized { name, selector, parameter } => {
                self.line(
                    depth,
                    format_args!("short name {name}, selected by selector {selector}"),
                );
                self.raw(depth + 1, parameter);
            }
            VariableAccess::BlockNumber(number) => {
                self.line(depth, format_args!("the block after block {number}"));
            }
            VariableAccess::ReadBlock { last, number, octets } => {
                self.block_of(depth, (*number).into(), *last, octets);
            }
            VariableAccess::WriteBlock { last, number } => {
                let last = if *last { ", the last" } else { "" };
                self.line(depth, format_args!("block {number}{last}"));
            }
        }
    }

    pub(super) fn read_response(&mut self, depth: usize, response: &ReadResponse<'_>) {
        for result in &response.0 {
            match result {
                ReadResult::Data(data) => self.raw(depth, data),
                ReadResult::Error(refusal) => self.line(depth, format_args!("refused: {refusal}")),
                ReadResult::Block { last, number, octets } => {
                    self.block_of(depth, (*number).into(), *last, octets);
                }
                ReadResult::BlockNumber(number) => {
                    self.line(depth, format_args!("took block {number}"));
                }
            }
        }
    }

    pub(super) fn write_request(&mut self, depth: usize, request: &WriteRequest<'_>) {
        for (variable, data) in request.variables.iter().zip(&request.data) {
            self.variable(depth, variable);
            self.raw(depth + 1, data);
        }
    }

    pub(super) fn write_response(&mut self, depth: usize, response: &WriteResponse) {
        for result in &response.0 {
            match result {
                WriteResult::Success => self.line(depth, "success"),
                WriteResult::Error(refusal) => self.line(depth, format_args!("refused: {refusal}")),
                WriteResult::BlockNumber(number) => {
                    self.line(depth, format_args!("took block {number}"));
                }
            }
        }
    }

    pub(super) fn information_report(&mut self, depth: usize, report: &InformationReport<'_>) {
        if let Some(time) = report.current_time {
            self.line(depth, format_args!("time {}", octets_text(time)));
        }
        for (variable, data) in report.variables.iter().zip(&report.data) {
            self.variable(depth, variable);
            self.raw(depth + 1, data);
        }
    }
}
