/** `127.0.0.1:1883`, `[::1]:1883`; `unknown:0` where the operating system has forgotten the address. */
export const formatAddress = (address = 'unknown', port = 0): string =>
  address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`
