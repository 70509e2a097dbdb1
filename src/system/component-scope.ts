import type { AnyComponent } from './component.ts'

/** Stands for one instance of a component, from before it is made. An adjusted or kept instance keeps its owner over resets. */
export interface InstanceOwner {
  /** The name of the component in the system config. */
  readonly name: string
}

/**
 * Surrounds the calls of the functions of components. The program that runs the system can find out which component made what: the dev loop
 * reports what a component leaves behind.
 */
export interface ComponentScope {
  /** An instance is going to be made. */
  begin(name: string, component: AnyComponent): InstanceOwner
  /** Calls a function of the component for this instance. @returns what the function returns. */
  run<T>(owner: InstanceOwner, work: () => T): T
  /** Another instance continues from the state of this one. This one still has to end. */
  succeed(before: InstanceOwner, after: InstanceOwner): void
  /** The instance has ended: it was stopped, it retired, or it was not put to use. Called once or several times. */
  end(owner: InstanceOwner): void
}
