//! What is remembered of what clients and servers do with tokens.

/// Routes and hosts of a partition that were told of once, in slots of which each holds one.
pub const FIRSTS: usize = 1024;
/// Routes that are remembered with how they answer without a valid token.
pub const ROUTES: usize = 1 << 16;
/// Tokens whose life is remembered: who presented them, what ended them, what was made from them.
pub const LIVES: usize = 1 << 15;
/// Clients, servers, programs and sites of one of them.
pub const LIFE_ENDS: usize = 8;
/// Redirects that are remembered until somebody follows them.
pub const REDIRECTS: usize = 1 << 13;
/// Refresh tokens and authorization codes that are remembered once they are redeemed.
pub const REDEEMED: usize = 1 << 15;
/// Variants of one token, and refused tokens of one client, that are told apart.
pub const VARIANTS: usize = 64;
/// Clients whose refused tokens are counted.
pub const CLIENTS: usize = 1 << 12;
