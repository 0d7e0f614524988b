//! Fairway, the campaign manager that a club runs itself. The map, ground floor first: a room
//! imports only from rooms above it in this list, and `tests/app/architecture.rs` keeps it so.

pub mod domain; // the decisions, pure
pub mod entity; // the tables

pub mod bell; // wakes the loops
pub mod clock; // the only now()
pub mod config; // Settings
pub mod secret; // the instance's secret and what is derived from it

pub mod outbound; // calls to other systems: public addresses only, within limits

pub mod feeds; // feeds of other systems, fetched and read into items

pub mod db; // connections and transactions

pub mod counts; // a run's sums, moved with the rows of the ledger

pub mod context; // all of the above, handed to every room

pub mod web; // page shell, forms, errors, assets; knows no feature

pub mod accounts; // staff, roles, keys, the club, the audit trail

pub mod reports; // counts, rates, charts, ledger pages, exports

pub mod audience; // contacts, consent, import, segments

pub mod messaging; // the Messaging Service: adapters that hand a message over; knows no database

pub mod social; // the Social Publisher: a client for each platform; knows no database

pub mod mailbox; // the capture mailbox: what would have been sent

pub mod providers; // credentials, kept sealed, and the adapters made of them

pub mod content; // templates, and turning them into one person's mail

pub mod campaigns; // the wizard, lifecycle commands, the campaign's page

pub mod scheduler; // due runs -> deliveries

pub mod dispatch; // claim -> send -> settle: the ledger's workers

pub mod tracking; // opens, clicks, opt-outs, events: what came back

pub mod signup; // sign-up forms on the public web, and their confirmations

pub mod api; // JSON API v1

pub mod app; // builds the rooms, starts and stops them

pub mod routes; // every URL

pub mod demo; // the demo club
