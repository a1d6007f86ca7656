//! Reads the clock and the voltage of a meter that lets the public client in.
//!
//! ```text
//! cargo run -p simulator -- meter --framing wrapper --port 4061
//! cargo run -p dlms-tokio --example read_meter -- wrapper://127.0.0.1:4061
//! ```

use core::error::Error;

use dlms_core::{
    association::ClientConfig,
    cosem::{AttributeDescriptor, ClassId, LogicalName},
};
use dlms_tokio::{Address, LineConfig, Trace, client::Client};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let address: Address = std::env::args().nth(1).ok_or("name an address")?.parse()?;
    let line = LineConfig { client: 16, ..LineConfig::default() };
    let client =
        Client::connect(&address, line, ClientConfig::default(), None, Trace::off()).await?;
    let voltage = LogicalName([1, 0, 32, 7, 0, 255]);
    for attribute in [
        AttributeDescriptor::new(ClassId::CLOCK, LogicalName::CLOCK, 2),
        AttributeDescriptor::new(ClassId::REGISTER, voltage, 2),
    ] {
        match client.read(attribute).await? {
            Ok(value) => println!("{attribute}: {value:02X?}"),
            Err(refusal) => println!("{attribute}: refused, {refusal}"),
        }
    }
    client.release().await?;
    Ok(())
}
