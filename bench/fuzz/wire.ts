// The reply reader beside node:http on generated, damaged and split replies: the suite's 20,000, and as many more as wanted.
//   scripts/bench fuzz/wire [cases] [seed]
import { Responses } from '../../test/lab/responses.ts'
import { judge } from '../../test/lab/wire-judge.ts'

const CASES = Number(process.argv[2] ?? 1_000_000)
const SEED = Number(process.argv[3] ?? Date.now() % 2 ** 32)

const responses = new Responses(SEED)
let wrong = 0
for (let i = 1; i <= CASES; i++) {
  const problem = await judge(responses.next())
  if (problem !== '' && ++wrong <= 10) console.log(`case ${i}: ${problem}`)
  if (i % 10_000 === 0) process.stderr.write(`\r${i} cases, ${wrong} wrong `)
}
console.log(`\nseed ${SEED}: ${CASES} cases, ${wrong} where the two differ and must not`)
if (wrong > 0) process.exitCode = 1
