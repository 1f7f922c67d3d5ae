/** The app of every case: one person says one thing to another through the package's own fake server. */

export const TEXT = "Hello *world* 👋🏽";

/**
 * Connects, says `TEXT`, and waits until the server has it.
 * @returns {Promise<string>} What the server has.
 */
export async function say(connect, fakeServer, options) {
  const server = fakeServer();
  const [alice, bob] = ["alice", "bobby"].map((name) => server.addUser(name));
  const getToken = () => server.token(alice);
  const chat = await connect("ws://fake.test/v0/ws", { getToken, WebSocket: server.WebSocket, ...options });
  const room = await chat.dm(bob);
  await accepted(room, room.send(TEXT).key);
  await chat.close();
  return server.messages(room.id).map(({ content }) => content.text ?? content).join();
}

async function accepted(room, key) {
  for await (const messages of room.messages) {
    const message = messages.find((message) => message.key === key);
    if (message?.status === "failed") throw message.error;
    if (message?.seq) return;
  }
}

/** Tells whoever runs the app how it went. */
export function tell(said) {
  said.then(
    (text) => console.log(text === TEXT ? "matrix: ok" : `matrix: the server has ${JSON.stringify(text)}`),
    (error) => console.log(`matrix: ${error?.stack ?? error}`),
  );
}
