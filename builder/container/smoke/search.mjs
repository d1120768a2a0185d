// Makes `import` look into NODE_PATH, as in Lambda by a change of Amazon's since Node.js 18; a plain node does not.
import module from 'node:module';
import { pathToFileURL } from 'node:url';
const folders = (process.env.NODE_PATH ?? '').split(':');
module.registerHooks?.({ resolve(specifier, context, next) {
    try { return next(specifier, context); } catch (error) {
        if (error.code !== 'ERR_MODULE_NOT_FOUND' || /^[./]|^[a-z]+:/.test(specifier)) throw error;
        for (const folder of folders) {
            try { return next(specifier, { ...context, parentURL: pathToFileURL(folder + '/../x.js').href }); } catch {}
        }
        throw error;
    }
} });
