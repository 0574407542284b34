// Simulates networks of whole daemons: `npm run sim -- --help`.
import { supportModule } from './support.mjs';

const worker = process.argv.includes('--worker');
const { main, serveAsWorker } = await supportModule('sim/cli.js', { build: !worker });
if (worker) serveAsWorker();
else process.exitCode = await main(process.argv.slice(2));
