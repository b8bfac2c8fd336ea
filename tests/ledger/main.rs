//! The ledger, through its public face; other programs' hands in the file are plain SQL.

mod damage;
mod files;
mod find;
mod fixture;
mod records;
mod reports;
