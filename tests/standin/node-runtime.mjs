// What starts a handler in the stand-in of Node.js: Lambda's runtime API in short. Amazon's own client must be compiled.
// As in Lambda since Node.js 18, `import` finds what lies in NODE_PATH.
import { registerHooks } from 'node:module';
import { pathToFileURL } from 'node:url';
import { existsSync } from 'node:fs';

const folders = (process.env.NODE_PATH ?? '').split(':').filter((name) => name.endsWith('/node_modules'));
registerHooks({
    resolve(specifier, context, next) {
        try {
            return next(specifier, context);
        } catch (error) {
            if (error.code !== 'ERR_MODULE_NOT_FOUND' || /^[./]|^[a-z]+:/.test(specifier)) throw error;
            for (const folder of folders) {
                try {
                    return next(specifier, { ...context, parentURL: pathToFileURL(`${folder}/../index.js`).href });
                } catch { /* the next folder may have it */ }
            }
            throw error;
        }
    },
});

const api = `http://${process.env.AWS_LAMBDA_RUNTIME_API}/2018-06-01/runtime`;
const [module, name] = process.env._HANDLER.split('.');
const file = ['mjs', 'js', 'cjs'].map((end) => `/var/task/${module}.${end}`).find(existsSync);
const describe = (error) => JSON.stringify({ errorType: error.name, errorMessage: error.message, trace: error.stack?.split('\n') });
let handler;
try {
    const loaded = await import(file ?? `/var/task/${module}.mjs`);
    handler = loaded[name] ?? loaded.default?.[name];
} catch (error) {
    console.error(error);
    await fetch(`${api}/init/error`, { method: 'POST', body: describe(error) });
    process.exit(1);
}
for (;;) {
    const next = await fetch(`${api}/invocation/next`);
    const id = next.headers.get('lambda-runtime-aws-request-id');
    let [where, body] = ['response', ''];
    try {
        body = JSON.stringify((await handler(await next.json(), { awsRequestId: id })) ?? null);
    } catch (error) {
        console.error(error);
        [where, body] = ['error', describe(error)];
    }
    await fetch(`${api}/invocation/${id}/${where}`, { method: 'POST', body });
}
