//! `concentrator order`: orders for the reading client, given on this machine.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use hyper::Method;

use super::{Asking, show};
use crate::control::{NewOrder, OrderView, ResultView};

/// What is to be done with orders.
#[derive(Debug, Subcommand)]
pub(super) enum OrderCommand {
    /// Have the reading client do something once at meters.
    Add(Box<Adding>),
    /// The orders that are remembered, the newest first.
    Ls(Asking),
    /// What became of an order, as far as no head-end has acknowledged it.
    Show {
        /// Its number.
        id: u64,
        #[command(flatten)]
        asking: Asking,
    },
}

/// An order.
#[derive(Debug, Args)]
#[group(id = "wanted", args = ["read", "clock", "write", "invoke"], required = true,
        multiple = false)]
pub(super) struct Adding {
    /// Which meters, by name: * for any characters, ? for one.
    meters: String,
    /// Read an attribute: CLASS:NAME, and :ATTRIBUTE where it is not the second. May be repeated.
    #[arg(long, value_name = "ATTRIBUTE")]
    read: Vec<String>,
    /// Compare the clock, and set it within the limits of the configuration.
    #[arg(long)]
    clock: bool,
    /// Write an attribute with --data.
    #[arg(long, value_name = "ATTRIBUTE", requires = "data")]
    write: Option<String>,
    /// Invoke a method, CLASS:NAME:METHOD, with --data if it has parameters.
    #[arg(long, value_name = "METHOD")]
    invoke: Option<String>,
    /// One encoded Data, hexadecimal: 0F00 is the integer 0.
    #[arg(long, value_name = "HEX")]
    data: Option<String>,
    /// What to read when it is not known whether it was done.
    #[arg(long, value_name = "ATTRIBUTE")]
    look_up: Option<String>,
    /// Its number [default: the time in milliseconds].
    #[arg(long)]
    id: Option<u64>,
    /// Seconds from now until it may be begun.
    #[arg(long, value_name = "SECONDS", default_value_t = 0)]
    begins_in: u32,
    /// Seconds from then on until it may not be begun any more.
    #[arg(long, value_name = "SECONDS", default_value_t = 3_600)]
    window: u32,
    /// What goes first: the greater.
    #[arg(long, default_value_t = 200)]
    priority: u8,
    #[command(flatten)]
    asking: Asking,
}

/// Does it.
pub(super) fn run(command: OrderCommand) -> ExitCode {
    let orders = ["id", "meters", "what", "begins", "expires", "state", "results"];
    match command {
        OrderCommand::Add(adding) => {
            let Adding { asking, .. } = &*adding;
            let new = adding.order();
            let answer = asking.ask::<OrderView>(Method::POST, "/orders", &new);
            show(asking, &orders, answer.map(|order| vec![order]))
        }
        OrderCommand::Ls(asking) => {
            let answer = asking.ask::<Vec<OrderView>>(Method::GET, "/orders", &());
            show(&asking, &orders, answer)
        }
        OrderCommand::Show { id, asking } => {
            let columns = ["number", "meter", "at", "state", "cause", "value"];
            let uri = format!("/orders/{id}");
            let answer = asking.ask::<Vec<ResultView>>(Method::GET, &uri, &());
            show(&asking, &columns, answer)
        }
    }
}

impl Adding {
    fn order(&self) -> NewOrder {
        NewOrder {
            id: self.id,
            meters: self.meters.clone(),
            begins_in_s: self.begins_in,
            window_s: Some(self.window),
            priority: Some(self.priority),
            read: self.read.clone(),
            clock: self.clock,
            write: self.write.clone(),
            invoke: self.invoke.clone(),
            data: self.data.clone(),
            look_up: self.look_up.clone(),
        }
    }
}
