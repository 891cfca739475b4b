// What is done with texts of configurations as they are written: plain data in and out, so that a thread can do it.
import { isRecord } from '../config/document.ts'
import { changeText, edited, EditRefusal, writtenValue } from '../config/edit.ts'
import { holdsConcealed, replaceText } from '../config/whole.ts'
import { changedRoute, type RouteChange } from './route-change.ts'
import { sentValue, type SentConfig } from './sent-config.ts'

/** By name: what is given, and what comes of it. */
export interface TextWork {
  /** The value as it is written; null: the text is no YAML. */
  read: { readonly given: { readonly text: string }; readonly result: unknown }
  /** The configuration that was sent. */
  sent: { readonly given: SentConfig; readonly result: Record<string, unknown> }
  /** Is there *** in a value of it? What is no YAML has none. */
  conceals: { readonly given: { readonly text: string }; readonly result: boolean }
  /** The text with what was sent in the place of what it comes to now, which is `present`, JSON of what the admin API shows. */
  replace: {
    readonly given: { readonly text: string; readonly sent: SentConfig; readonly present: string }
    readonly result: string
  }
  /** The text of a file with a route changed; `index` -1: it is added. */
  route: {
    readonly given: { readonly text: string; readonly index: number; readonly change: RouteChange }
    readonly result: string
  }
}

export type WorkName = keyof TextWork
export type Given<N extends WorkName> = TextWork[N]['given']
export type Result<N extends WorkName> = TextWork[N]['result']

/** They throw EditRefusal or WriteRefusal. */
export const WORK: { readonly [N in WorkName]: (given: Given<N>) => Result<N> } = {
  read: ({ text }) => writtenOrNothing(text),
  sent: sentValue,
  conceals: ({ text }) => holdsConcealed(writtenOrNothing(text)),
  replace: ({ text, sent, present }) => replaceText(text, sentValue(sent), JSON.parse(present)),
  route: ({ text, index, change }) =>
    changeText(text, (written) => {
      const routes: unknown = isRecord(written) ? written['routes'] : undefined
      const list: readonly unknown[] = Array.isArray(routes) ? routes : []
      const at = index < 0 ? list.length : index
      return edited(written, ['routes', at], changedRoute(list[at], change))
    }),
}

function writtenOrNothing(text: string): unknown {
  try {
    return writtenValue(text)
  } catch (error) {
    if (error instanceof EditRefusal) return null
    throw error
  }
}
