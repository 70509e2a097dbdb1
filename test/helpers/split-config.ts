import { brokerConfig } from '../../components/broker/config.ts'

/** Values for the broker and for the handler, which a test gives together: each goes where it belongs. */
export const splitConfig = (config: object): { brokerPart: object; handlerPart: object } => {
  const entries = Object.entries(config)
  const isOfBroker = ([key]: [string, unknown]): boolean => key in brokerConfig.shape
  return {
    brokerPart: Object.fromEntries(entries.filter(isOfBroker)),
    handlerPart: Object.fromEntries(entries.filter((entry) => !isOfBroker(entry))),
  }
}
