/** What outlives the page: IndexedDB, or memory where there is none. */

const TABLES = ["meta", "outbox", "views", "messages"];

/**
 * @typedef {[table: string, key: string, value: unknown]} Write `undefined` deletes.
 * @typedef {object} Storage
 * @property {(table: string) => Promise<Map<string, any>>} all
 * @property {(table: string, key: string) => Promise<any>} get
 * @property {(writes: Write[], durable?: boolean) => Promise<void>} write All or nothing; on the disk when it resolves, if `durable`.
 * @property {() => Promise<void>} clear
 * @property {() => void} close
 */

/**
 * Opens the storage of one account.
 * @param {string} name
 * @param {"indexeddb" | "memory" | undefined} kind
 * @returns {Promise<Storage>}
 */
export async function openStorage(name, kind) {
  const factory = globalThis.indexedDB;
  if (kind === "memory" || !factory) return memory();
  try {
    return indexed(await open(factory, name));
  } catch (error) {
    if (kind === "indexeddb") throw error;
    // Some browsers have no IndexedDB in private windows; the client then works without a memory.
    return memory();
  }
}

function open(factory, name) {
  const request = factory.open(name, 1);
  request.onupgradeneeded = () => {
    for (const table of TABLES) request.result.createObjectStore(table);
  };
  return settled(request);
}

function settled(request) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
    request.onblocked = () => reject(new Error("the storage is blocked by another tab"));
  });
}

function done(transaction) {
  return new Promise((resolve, reject) => {
    transaction.oncomplete = () => resolve();
    transaction.onabort = () => reject(transaction.error ?? new Error("the storage gave up"));
  });
}

/** @returns {Storage} */
function indexed(db) {
  // Another tab wants to delete or upgrade the storage.
  db.onversionchange = () => db.close();
  return {
    async all(table) {
      const store = db.transaction(table).objectStore(table);
      const [keys, values] = await Promise.all([settled(store.getAllKeys()), settled(store.getAll())]);
      return new Map(keys.map((key, at) => [key, values[at]]));
    },
    get: (table, key) => settled(db.transaction(table).objectStore(table).get(key)),
    async write(writes, durable = false) {
      if (writes.length === 0) return;
      const tables = [...new Set(writes.map(([table]) => table))];
      const transaction = db.transaction(tables, "readwrite", { durability: durable ? "strict" : "relaxed" });
      for (const [table, key, value] of writes) {
        const store = transaction.objectStore(table);
        if (value === undefined) store.delete(key);
        else store.put(value, key);
      }
      await done(transaction);
    },
    async clear() {
      const transaction = db.transaction(TABLES, "readwrite", { durability: "strict" });
      for (const table of TABLES) transaction.objectStore(table).clear();
      await done(transaction);
    },
    close: () => db.close(),
  };
}

/** @returns {Storage} */
function memory() {
  const tables = new Map(TABLES.map((table) => [table, new Map()]));
  return {
    all: async (table) => new Map(tables.get(table)),
    get: async (table, key) => tables.get(table).get(key),
    async write(writes) {
      for (const [table, key, value] of writes) {
        if (value === undefined) tables.get(table).delete(key);
        else tables.get(table).set(key, structuredClone(value));
      }
    },
    async clear() {
      for (const table of tables.values()) table.clear();
    },
    close() {},
  };
}
