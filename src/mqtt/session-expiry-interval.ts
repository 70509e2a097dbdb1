/** The longest Session Expiry Interval; it means that the session never ends (section 3.1.2.11.2). */
export const NEVER_EXPIRES = 0xffff_ffff
