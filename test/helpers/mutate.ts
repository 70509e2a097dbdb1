/** Random damage to bytes, quick enough for a million cases and the same for the same seed. */

/** A generator of integers from 0 up to a limit (mulberry32). */
export type RandomBelow = (limit: number) => number

export const randomBelow = (seed: number): RandomBelow => {
  let state = seed >>> 0
  return (limit) => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) % limit
  }
}

/** Values that stand at the edges of MQTT's fields. */
const EDGES = [0x00, 0x01, 0x02, 0x23, 0x26, 0x2b, 0x2f, 0x7f, 0x80, 0xc0, 0xed, 0xff]

/** A copy of the bytes with one to four faults: changed, flipped, lost, doubled or foreign bytes, a lost end. */
export const mutated = (bytes: Buffer, random: RandomBelow): Buffer => {
  let copy: Buffer = Buffer.from(bytes)
  for (let faults = 1 + random(4); faults > 0 && copy.length > 0; faults -= 1) {
    const at = random(copy.length)
    const length = 1 + random(4)
    switch (random(6)) {
      case 0:
        copy[at] = EDGES[random(EDGES.length)]!
        break
      case 1:
        copy[at]! ^= 1 << random(8)
        break
      case 2:
        copy = Buffer.concat([copy.subarray(0, at), copy.subarray(at + length)])
        break
      case 3:
        copy = Buffer.concat([copy.subarray(0, at + length), copy.subarray(at)])
        break
      case 4:
        copy = Buffer.concat([copy.subarray(0, at), Buffer.from([EDGES[random(EDGES.length)]!]), copy.subarray(at)])
        break
      case 5:
        copy = random(4) === 0 ? copy.subarray(0, at) : copy
        break
    }
  }
  return copy
}
