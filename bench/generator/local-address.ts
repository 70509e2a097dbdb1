/** Addresses that connections leave from in turn. */
const addresses = 200

/**
 * An address of this machine to connect from. One address has about 28,000 ports, including those of connections closed within
 * the last minute. Only Linux answers on all of 127.0.0.0/8.
 */
export const localAddress = (number: number): string | undefined =>
  process.platform === 'linux' ? `127.0.0.${1 + (number % addresses)}` : undefined
