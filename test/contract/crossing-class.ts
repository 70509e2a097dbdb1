/** The form of the rows in `crossing-classes.ts`. */

/** A class whose objects hand over their state. */
export interface CrossingClass {
  /** Relative to the repository. */
  readonly file: string
  readonly class: string
  /** The methods that give the state: a field that they refer to crosses. */
  readonly gives: readonly string[]
  /** Fields that do not cross, each with the reason. */
  readonly forgotten: Readonly<Record<string, string>>
}

/** A record in which state crosses. */
export interface CrossingRecord {
  readonly file: string
  readonly interface: string
  /** The files whose code takes it: each property of the record must be read there. */
  readonly takenBy: readonly string[]
}
