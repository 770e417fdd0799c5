//! TPKT
