/** An address to listen on, as text: `127.0.0.1:1883`, `[::1]:1883`. */
export const formatAddress = (address: string, port: number): string =>
  address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`
