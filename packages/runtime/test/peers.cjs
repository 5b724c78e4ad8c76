const { createServer } = require('node:net');
const http = require('node:http');

const count = { sent: 0, received: 0 };
const readers = new Set();

function listen(port, onConnection) {
  createServer((socket) => {
    socket.on('error', () => undefined);
    onConnection(socket);
  }).listen(port);
}

listen(9001, (socket) => socket.pipe(socket));
listen(9002, (socket) => {
  const piece = Buffer.alloc(64 * 1024);
  const send = () => {
    while (socket.writable) {
      count.sent += piece.length;
      if (!socket.write(piece)) return;
    }
  };
  socket.on('drain', send);
  send();
});
listen(9003, (socket) => {
  socket.pause();
  socket.on('data', (data) => {
    count.received += data.length;
  });
  readers.add(socket);
});
listen(9004, (socket) => socket.end('goodbye'));

http
  .createServer((request, response) => {
    if (request.url === '/read') for (const socket of readers) socket.resume();
    response.end(JSON.stringify(count));
  })
  .listen(8080);
