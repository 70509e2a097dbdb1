/** Calls within one timed step, since a call alone is shorter than the clock's own cost. */
export const batch = 1000
