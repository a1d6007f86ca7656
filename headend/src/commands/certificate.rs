//! `headend certificate`: the certificates that a meter keeps, and its requests for new ones.

use core::fmt;
use std::{
    fs,
    io::{self, Write},
    path::Path,
};

use dlms_core::{
    axdr::{Data, DataBuf, RawData},
    cosem::{AttributeDescriptor, ClassId, LogicalName, MethodDescriptor},
    security::{
        Certificate, CertificateEntity, CertificateIdentification, CertificateInfo,
        CertificateType, distinguished_name,
    },
};
use p256::pkcs8::der::pem::{self, LineEnding};
use serde::Serialize;

use super::{
    UNKNOWN_WHETHER_DONE, associate, failed_empty, is_for_people, prepare_reading, printer, usage,
};
use crate::{
    cli::{self, CertificateAction},
    diagnosis::{Context, Diagnosis},
    error::Error,
    exit::Exit,
    hex,
    meter::Meter,
    render::{Align, Header, Record},
    report,
};

/// What PEM calls a certificate request (RFC 7468).
const REQUEST: &str = "CERTIFICATE REQUEST";

// The methods of a security setup, and its list of certificates.
const GENERATE_KEY_PAIR: i8 = 4;
const GENERATE_CERTIFICATE_REQUEST: i8 = 5;
const IMPORT_CERTIFICATE: i8 = 6;
const EXPORT_CERTIFICATE: i8 = 7;
const REMOVE_CERTIFICATE: i8 = 8;
const CERTIFICATES: i8 = 6;

pub(super) async fn run(typed: cli::CertificateVerb) -> io::Result<Exit> {
    let cli::CertificateOptions { meter, setup, association, output } = typed.action.options();
    let (settings, context) = match prepare_reading(meter, association) {
        Ok(prepared) => prepared,
        Err(error) => return Ok(usage(&error)),
    };
    let (setup, output) = (*setup, *output);
    // What is wrong with a file is said before anybody is called.
    let imported = match &typed.action {
        CertificateAction::Import { file, .. } => match read(file) {
            Ok(certificate) => Some(certificate),
            Err(error) => return Ok(usage(&error)),
        },
        _ => None,
    };
    let mut meter = match associate(settings, &context).await {
        Ok(meter) => meter,
        Err(diagnosis) => return failed_empty(&diagnosis, output),
    };
    let mut asked = Setup { meter: &mut meter, setup, context: &context };
    let outcome = match &typed.action {
        CertificateAction::List { .. } => asked.list().await,
        CertificateAction::Request { key, new_key, .. } => asked.request(*key, *new_key).await,
        CertificateAction::Import { .. } => match &imported {
            Some(certificate) => asked.import(certificate).await,
            None => Ok(Vec::new()),
        },
        CertificateAction::Export { which, .. } => asked.export(which).await,
        CertificateAction::Remove { which, .. } => asked.remove(which).await,
    };
    let shown = match outcome {
        Ok(lines) => show(&lines, output),
        Err(diagnosis) => failed_empty(&diagnosis, output),
    };
    meter.release().await;
    shown
}

/// A certificate from a file, in PEM or DER.
fn read(path: &Path) -> Result<Certificate, String> {
    let cannot = |error: &dyn fmt::Display| format!("{}: {error}", path.display());
    const PEM: &str = "-----BEGIN";
    let octets = fs::read(path).map_err(|error| cannot(&error))?;
    match core::str::from_utf8(&octets).ok().and_then(|text| text.find(PEM).map(|at| &text[at..])) {
        // OpenSSL writes a description in front.
        Some(text) => text.parse(),
        None => Certificate::decode(&octets),
    }
    .map_err(|error| cannot(&error))
}

/// For people PEM is shown as it is, and a list as a table.
fn show(lines: &[Line], output: cli::Output) -> io::Result<Exit> {
    let mut pems = lines.iter().filter_map(|line| line.pem.as_ref()).peekable();
    if is_for_people(output.format) && pems.peek().is_some() {
        let mut out = io::stdout().lock();
        for text in pems {
            out.write_all(text.as_bytes())?;
        }
        out.flush()?;
        return Ok(Exit::Success);
    }
    // What was imported or removed has been said already.
    if is_for_people(output.format) && lines.is_empty() {
        return Ok(Exit::Success);
    }
    let mut printer = printer(output, Line::header());
    lines.iter().try_for_each(|line| printer.record(line))?;
    printer.finish()?;
    Ok(Exit::Success)
}

/// The security setup of a meter that is asked.
struct Setup<'a> {
    meter: &'a mut Meter,
    setup: LogicalName,
    context: &'a Context,
}

impl Setup<'_> {
    async fn list(&mut self) -> Result<Vec<Line>, Diagnosis> {
        let attribute = AttributeDescriptor::new(ClassId::SECURITY_SETUP, self.setup, CERTIFICATES);
        let phase = format!("read {attribute}");
        let octets = match self.meter.read(attribute).await {
            Ok(Ok(octets)) => octets,
            Ok(Err(refusal)) => return Err(Diagnosis::data_access(refusal, &phase, self.context)),
            Err(error) => return Err(Diagnosis::error(&error, &phase, self.context)),
        };
        let data = RawData::from_octets(&octets).and_then(|raw| raw.data());
        let data = data.map_err(|error| Diagnosis::failure(&error.into(), &phase, self.context))?;
        match CertificateInfo::decode_list(&data) {
            Some(list) => Ok(list.iter().map(Line::listed).collect()),
            None => Err(self.misshapen(&phase)),
        }
    }

    async fn request(&self, key: CertificateType, new_key: bool) -> Result<Vec<Line>, Diagnosis> {
        let key_pair = DataBuf::Enum(key.code());
        if new_key {
            self.invoke(GENERATE_KEY_PAIR, &key_pair).await?;
        }
        let der = self.octets(GENERATE_CERTIFICATE_REQUEST, &key_pair).await?;
        // A request has less octets than fit into PEM.
        let text = pem::encode_string(REQUEST, LineEnding::LF, &der).unwrap_or_default();
        Ok(vec![Line {
            certificate_type: Some(key.to_string()),
            pem: Some(text),
            ..Line::default()
        }])
    }

    async fn import(&self, certificate: &Certificate) -> Result<Vec<Line>, Diagnosis> {
        let octets = DataBuf::octet_string(certificate.der().to_vec());
        self.invoke(IMPORT_CERTIFICATE, &octets).await?;
        report::note("imported");
        Ok(Vec::new())
    }

    async fn export(&self, which: &cli::Which) -> Result<Vec<Line>, Diagnosis> {
        let der = self.octets(EXPORT_CERTIFICATE, &identification(which)).await?;
        match Certificate::decode(&der) {
            Ok(certificate) => Ok(vec![Line::exported(&certificate)]),
            Err(error) => {
                report::note(&format!("note: what the meter gave is no certificate: {error}"));
                Err(self.misshapen("export a certificate"))
            }
        }
    }

    async fn remove(&self, which: &cli::Which) -> Result<Vec<Line>, Diagnosis> {
        self.invoke(REMOVE_CERTIFICATE, &identification(which)).await?;
        report::note("removed");
        Ok(Vec::new())
    }

    /// Invokes a method that returns an octet-string.
    async fn octets(&self, method: i8, parameter: &DataBuf) -> Result<Vec<u8>, Diagnosis> {
        let returned = self.invoke(method, parameter).await?.unwrap_or_default();
        let octets = RawData::from_octets(&returned).ok().and_then(|raw| match raw.data() {
            Ok(Data::OctetString(octets)) => Some(octets.to_vec()),
            _ => None,
        });
        octets.ok_or_else(|| self.misshapen("invoke a method of the security setup"))
    }

    async fn invoke(&self, method: i8, parameter: &DataBuf) -> Result<Option<Vec<u8>>, Diagnosis> {
        let method = MethodDescriptor::new(ClassId::SECURITY_SETUP, self.setup, method);
        let phase = format!("invoke {method}");
        match self.meter.invoke(method, Some(parameter)).await {
            Ok(Ok(returned)) => Ok(returned),
            Ok(Err(refusal)) => Err(Diagnosis::action(refusal, &phase, self.context)),
            Err(error) => {
                report::note(UNKNOWN_WHETHER_DONE);
                Err(Diagnosis::error(&error, &phase, self.context))
            }
        }
    }

    fn misshapen(&self, phase: &str) -> Diagnosis {
        Diagnosis::error(&Error::Shape("certificates"), phase, self.context)
    }
}

/// The parameter that names a certificate.
fn identification(which: &cli::Which) -> DataBuf {
    match (&which.serial, &which.issuer) {
        (Some(serial), Some(issuer)) => {
            CertificateIdentification::Serial { serial: &serial.0, issuer: &issuer.0 }.to_data()
        }
        _ => {
            let title = which.title.map(|title| title.0);
            CertificateIdentification::Entity {
                entity: which.entity.unwrap_or(CertificateEntity::Server),
                certificate_type: which.key.unwrap_or(CertificateType::DigitalSignature),
                system_title: title.as_ref().map(|title| &title[..]).unwrap_or_default(),
            }
            .to_data()
        }
    }
}

/// What is shown of a certificate or of a request for one.
#[derive(Debug, Default, Serialize)]
struct Line {
    entity: Option<String>,
    #[serde(rename = "type")]
    certificate_type: Option<String>,
    serial: Option<String>,
    subject: Option<String>,
    issuer: Option<String>,
    /// The name of the issuer in DER, to ask for the certificate by its serial number.
    issuer_der: Option<String>,
    pem: Option<String>,
}

impl Line {
    fn listed(info: &CertificateInfo<'_>) -> Self {
        Self {
            entity: Some(info.entity.to_string()),
            certificate_type: Some(info.certificate_type.to_string()),
            serial: Some(hex::text(info.serial)),
            subject: Some(name(info.subject)),
            issuer: Some(name(info.issuer)),
            issuer_der: Some(hex::text(info.issuer)),
            pem: None,
        }
    }

    fn exported(certificate: &Certificate) -> Self {
        Self {
            entity: None,
            certificate_type: Some(certificate.certificate_type().to_string()),
            serial: Some(hex::text(certificate.serial())),
            subject: Some(name(certificate.subject())),
            issuer: Some(name(certificate.issuer())),
            issuer_der: Some(hex::text(certificate.issuer())),
            pem: Some(certificate.pem()),
        }
    }

    fn header() -> Header {
        Header::new(
            &[
                ("ENTITY", Align::Left),
                ("TYPE", Align::Left),
                ("SERIAL", Align::Left),
                ("SUBJECT", Align::Left),
                ("ISSUER", Align::Left),
            ],
            &["entity", "type", "serial", "subject", "issuer", "issuer_der", "pem"],
        )
    }
}

/// A name as text, when it is DER, and as digits otherwise.
fn name(octets: &[u8]) -> String {
    distinguished_name(octets).unwrap_or_else(|| hex::text(octets))
}

impl Record for Line {
    fn table(&self) -> Vec<String> {
        [&self.entity, &self.certificate_type, &self.serial, &self.subject, &self.issuer]
            .map(|cell| cell.clone().unwrap_or_default())
            .to_vec()
    }

    fn csv(&self) -> Vec<String> {
        let mut cells = self.table();
        cells.extend([&self.issuer_der, &self.pem].map(|it| it.clone().unwrap_or_default()));
        cells
    }
}
