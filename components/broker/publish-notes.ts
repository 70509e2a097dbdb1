/** What is noted of the message that is being passed to its subscribers: a part of the result of the publish. */
export interface PublishNotes {
  /** The full queue of a subscriber refused it. */
  isRefused: boolean
}
