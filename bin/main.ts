import { interrupt } from './interrupt.js';
import { runProgram } from './program.js';
import { endProcess, guardStreams } from './terminal.js';

guardStreams(interrupt);
endProcess(await runProgram(process.argv.slice(2)));
