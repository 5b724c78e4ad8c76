const { createServer } = require('node:http');

const orders = {
  say: (words) => console.log(words),
  fill: (lines) => {
    for (let line = 0; line < lines; line++) console.log(`line ${line}`);
  },
  crash: (words) => process.stdout.write(words, () => setImmediate(() => process.exit(1))),
};

createServer((request, response) => {
  const [, order, words] = decodeURIComponent(request.url).split('/');
  response.end();
  orders[order]?.(words);
}).listen(8080);
