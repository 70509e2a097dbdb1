import type { Message } from './message.ts'

const DOLLAR = 0x24

/** Whether the topic of this message begins with `$`: those are the server's own (section 4.7.2). */
export const isServerTopic = ({ bytes, topicStart }: Message): boolean => bytes[topicStart] === DOLLAR
