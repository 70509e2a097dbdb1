/** Notes about the message that is being delivered. They are part of the result of the publish. */
export interface PublishNotes {
  /** The full queue of a subscriber refused it. */
  isRefused: boolean
}
