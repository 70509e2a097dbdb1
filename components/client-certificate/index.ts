import { Authenticator } from '../../src/kinds/authenticator.ts'
import { defineComponent } from '../../src/system/define-system.ts'
import { ClientCertificate } from './client-certificate.ts'
import { clientCertificateConfig } from './config.ts'
import { measuresOf } from './measures.ts'

/** Authenticates clients by the certificate that TLS has verified. */
export const clientCertificate = defineComponent({
  provides: Authenticator,
  needs: {},
  config: clientCertificateConfig,
  describe: ({ userName, alternativeNameType }) => alternativeNameType ?? userName,
  start: (config, _, { name }) => new ClientCertificate(name, config),
  adjust: (instance, config) => instance.adjust(config),
  measure: measuresOf,
})
