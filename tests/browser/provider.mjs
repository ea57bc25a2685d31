// A real OpenID provider for a test: any name with any password comes in. Prints its issuer when it listens.
// usage: node provider.mjs REDIRECT_URI CLIENT_SECRET
import { createServer } from "node:http";
import Provider from "oidc-provider";

const [redirectUri, clientSecret] = process.argv.slice(2);
const server = createServer((request, response) => handle(request, response));
let handle;

server.listen(0, "127.0.0.1", () => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  const provider = new Provider(issuer, {
    clients: [
      {
        client_id: "fastx",
        client_secret: clientSecret,
        redirect_uris: [redirectUri],
        grant_types: ["authorization_code"],
        response_types: ["code"],
      },
    ],
    claims: { openid: ["sub"], profile: ["preferred_username"] },
    conformIdTokenClaims: false,
    cookies: { keys: ["only for a test"] },
    pkce: { required: () => true },
    findAccount: (_, id) => ({
      accountId: id,
      claims: async () => ({ sub: id, preferred_username: `${id}@x.example` }),
    }),
  });
  handle = provider.callback();
  console.log(issuer);
});
