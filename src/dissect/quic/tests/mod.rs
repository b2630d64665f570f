//! Tests of the parts together: vectors of the RFCs, connections made by a builder, hostile input.

mod building;
mod connections;
mod hostile;
mod replies;
mod vectors;
