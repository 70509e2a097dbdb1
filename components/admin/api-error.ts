export type ErrorStatus = 400 | 401 | 403 | 404 | 409 | 413 | 429 | 500 | 501 | 503

/** The answer to a request that cannot be fulfilled: the status, and a sentence for the operator. */
export class ApiError extends Error {
  readonly status: ErrorStatus

  constructor(status: ErrorStatus, message: string) {
    super(message)
    this.status = status
  }
}

/** As `checked`, for an action that takes time. */
export const checkedLater = async <T>(action: () => Promise<T>): Promise<T> => {
  try {
    return await action()
  } catch (error) {
    return checked(() => {
      throw error
    })
  }
}

/** Makes the errors that a kind documents for wrong arguments into answers. @param range the status for a bound. */
export const checked = <T>(action: () => T, range: ErrorStatus = 409): T => {
  try {
    return action()
  } catch (error) {
    if (error instanceof TypeError) throw new ApiError(400, error.message)
    if (error instanceof RangeError) throw new ApiError(range, error.message)
    throw error
  }
}
