import type { Api } from './api.ts'

/** The description of the API (OpenAPI 3.1). */
export const openApiDocument = (app: Api) => {
  const document = app.getOpenAPI31Document({
    openapi: '3.1.0',
    info: {
      title: 'mqtt-jig admin API',
      version: '1',
      description:
        'Lists are pages: `limit` and `after` of a request, `items`, `next` and `total` of an answer. Times are milliseconds since 1970. ' +
        'An answer with an error is `{ "error": "sentence" }`.',
    },
    security: [{ bearer: [] }],
  })
  return {
    ...document,
    components: { ...document.components, securitySchemes: { bearer: { type: 'http', scheme: 'bearer' } } },
  }
}
