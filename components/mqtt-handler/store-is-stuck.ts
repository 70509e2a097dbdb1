/** The Reason String of refusals while the store cannot write. */
export const STORE_IS_STUCK = 'The server cannot write to its storage at present.'
