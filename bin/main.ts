import { runProgram } from './program.js';
import { guardStreams } from './terminal.js';

guardStreams();
const exitCode = await runProgram(process.argv.slice(2));
// what was written leaves first; then nothing that still lingers (a socket, a timer) keeps the command
process.stdout.write('', () => process.exit(exitCode));
