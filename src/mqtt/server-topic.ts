import type { Message } from './message.ts'

const DOLLAR = 0x24

/** Whether the topic of this message begins with `$`: these topics belong to the server (section 4.7.2). */
export const isServerTopic = ({ bytes, topicStart }: Message): boolean => bytes[topicStart] === DOLLAR
