import type { Connection } from '../../src/kinds/connection.ts'
import type { DecoderInput, StageEnd } from '../../src/kinds/pipeline-stage.ts'
import { OpenPipeline, type Pipeline } from './pipeline.ts'
import { obstacleTo, ReopenedPipeline, type Reopening } from './reopening.ts'

/** A pipeline that was opened anew. */
export interface PipelineChange {
  /** Continues with the stages before, in the same turn of the event loop. A connection for which that fails is cut off. */
  undo(): void
  /** Tells the stages before that they are left. */
  done(): void
}

/** The connection that the stages belong to. */
export interface StagesHost extends Connection {
  /** Sets where the bytes from the network go. */
  decodeWith(decoder: DecoderInput): void
  /** The connection cannot go on. */
  stageThrew(error: unknown): void
  /** A stage threw when it was told that another one has taken its place, which goes on. */
  leavingFailed(error: unknown): void
}

export interface StagesRecord {
  readonly pipeline: Pipeline | undefined
  /** In the order of the places of the pipeline. They stay as they are until they are told `left`. */
  readonly ends: readonly StageEnd[]
  /** Whether they know that the connection is not open any more. */
  readonly told: boolean
}

/** The stages of one connection, and what they have been told. */
export class ConnectionStages {
  readonly #host: StagesHost
  readonly #pipeline: OpenPipeline
  /** Whether they know that the connection is not open any more. */
  #told = false

  constructor(host: StagesHost) {
    this.#host = host
    this.#pipeline = new OpenPipeline(host, (error) => host.stageThrew(error))
  }

  /** Opens the pipeline of a new connection. */
  open(pipeline: Pipeline): void {
    try {
      this.#host.decodeWith(this.#pipeline.open(pipeline))
    } catch (error) {
      this.#host.stageThrew(error)
    }
  }

  get told(): boolean {
    return this.#told
  }

  /** Whether one of them has something under way with the peer. */
  get unfinished(): boolean {
    try {
      return this.#pipeline.ends.some((stage) => stage.unfinished?.() === true)
    } catch (error) {
      this.#host.stageThrew(error)
      return false
    }
  }

  /** Tells them something, in the order of the pipeline, as long as the connection is open. */
  tellOpen(tell: (stage: StageEnd) => void): void {
    try {
      for (const stage of this.#pipeline.ends.toReversed()) if (this.#host.open) tell(stage)
    } catch (error) {
      this.#host.stageThrew(error)
    }
  }

  /** Tells them that the connection is gone, once. */
  tellClosed(): void {
    if (this.#told) return
    this.#told = true
    // The ends are in the order in which they were opened: from the end of the pipeline.
    for (const stage of this.#pipeline.ends.toReversed()) {
      try {
        stage.closed?.()
      } catch (error) {
        this.#host.stageThrew(error)
      }
    }
  }

  /** Why the pipeline cannot be opened anew; undefined if it can be, or need not be. */
  obstacleTo(plan: Reopening): string | undefined {
    return this.#isWhole ? obstacleTo(plan, this.#pipeline) : undefined
  }

  /**
   * Opens the pipeline anew, between two turns of the event loop. Does nothing for a connection whose stages were told of its end, or that
   * is being closed because one of them did not open.
   * @param begun takes what undoes it, before anything changes. @throws what a stage throws.
   */
  reopen(plan: Reopening, begun: (change: PipelineChange) => void): void {
    if (!this.#isWhole) return
    const reopened = new ReopenedPipeline(this.#pipeline, this.#host, plan)
    begun({
      undo: () => this.#undo(reopened),
      done: () => {
        for (const error of reopened.done()) this.#host.leavingFailed(error)
      },
    })
    this.#host.decodeWith(reopened.commit())
  }

  /** What the stages of another object continue from. */
  handOver(): StagesRecord {
    const { pipeline, ends } = this.#pipeline
    return { pipeline, ends, told: this.#told }
  }

  /**
   * Continues for another object: opens the pipeline over the stages that it has.
   * @param begun takes what undoes it, before anything changes. It returns the errors. @throws what a stage throws.
   */
  continueFrom({ ends }: StagesRecord, plan: Reopening, begun: (undo: () => readonly unknown[]) => void): void {
    const reopened = new ReopenedPipeline(this.#pipeline, this.#host, plan, ends)
    begun(() => reopened.undo())
    this.#host.decodeWith(reopened.commit())
  }

  /** Takes over the stages of another object whose connection is not open any more. Stages that were not told of it are told. */
  adopt({ pipeline, ends, told }: StagesRecord): void {
    this.#pipeline.pipeline = pipeline
    this.#pipeline.ends = ends
    this.#told = told
  }

  /** Another object has the connection for good: tells the stages that they are left, each once. */
  retire(): void {
    for (const stage of new Set(this.#pipeline.ends)) {
      try {
        stage.left?.()
      } catch (error) {
        this.#host.leavingFailed(error)
      }
    }
  }

  get #isWhole(): boolean {
    const { ends, pipeline } = this.#pipeline
    return !this.#told && ends.length === pipeline?.places.length
  }

  #undo(reopened: ReopenedPipeline): void {
    const errors = reopened.undo()
    this.#host.decodeWith(reopened.input)
    for (const error of errors) this.#host.stageThrew(error)
  }
}
