/** The server of the HTTP benches, in a process of its own: one small JSON answer. */
import { createServer } from 'node:http';

const body = JSON.stringify({ id: 1, name: 'a name', tags: ['a', 'b', 'c'] });
const server = createServer((_request, response) => {
  response.setHeader('content-type', 'application/json');
  response.end(body);
});
server.listen(0, '127.0.0.1', () => process.send(server.address().port));
process.on('disconnect', () => process.exit(0));
