//! `permissions`: what a file asks for (rule 40).

use super::reader::{Fields, Reader};
use crate::graph::Permissions;

/// Reads `permissions`.
pub(super) fn read(reader: &mut Reader, fields: &mut Fields<'_>) -> Permissions {
    let Some(entry) = fields.entry("permissions") else {
        return Permissions::default();
    };
    let help = "write for example `permissions: { env: [SHOP_URL], http: [shop.example.com] }`";
    let Some(mut fields) = Fields::of(reader, "permissions", &entry.value, help) else {
        return Permissions::default();
    };
    let permissions = Permissions {
        env: fields.names(reader, "env", "[SHOP_URL]"),
        secrets: fields.names(reader, "secrets", "[SHOP_TOKEN]"),
        http: fields.names(reader, "http", "[shop.example.com]"),
        exec: fields.names(reader, "exec", "[psql]"),
        mcp: fields.names(reader, "mcp", "[helpdesk]"),
    };
    fields.close(reader);
    permissions
}
