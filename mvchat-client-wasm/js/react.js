/** React hooks over the client. */

import { createContext, createElement, useCallback, useContext, useEffect, useMemo, useState, useSyncExternalStore } from "react";

const Context = createContext(undefined);

export function ChatProvider({ client, children }) {
  return createElement(Context.Provider, { value: client }, children);
}

export function useReadable(readable) {
  const subscribe = useCallback((listener) => readable.subscribe(listener), [readable]);
  const value = () => readable.value;
  return useSyncExternalStore(subscribe, value, value);
}

export function useChat() {
  const client = useContext(Context);
  if (!client) throw new Error("mvchat: this hook needs a <ChatProvider client={…}> above it");
  return client;
}

export function useStatus() {
  return useReadable(useChat().status);
}

export function useMe() {
  return useReadable(useChat().me);
}

export function useConversations() {
  return useReadable(useChat().conversations);
}

function useRoom(id) {
  const client = useChat();
  return useMemo(() => client.conversation(id), [client, id]);
}

export function useConversation(id) {
  const conversation = useRoom(id);
  return { conversation, info: useReadable(conversation.info) };
}

export function useMessages(id) {
  const conversation = useRoom(id);
  const timeline = useReadable(conversation.timeline);
  const loadOlder = useCallback((limit) => conversation.loadOlder(limit), [conversation]);
  const send = useCallback((content, options) => conversation.send(content, options), [conversation]);
  return { ...timeline, loadOlder, send };
}

export function useTyping(id) {
  const conversation = useRoom(id);
  const setTyping = useCallback(() => conversation.setTyping(), [conversation]);
  return { typing: useReadable(conversation.typing), setTyping };
}

export function useMembers(id) {
  return useReadable(useRoom(id).members);
}

export function useReceipts(id) {
  return useReadable(useRoom(id).receipts);
}

export function useUser(id) {
  return useReadable(useChat().user(id));
}

export function usePresence(id) {
  return useReadable(useChat().presence(id));
}

export function useContacts() {
  const client = useChat();
  const contacts = useReadable(client.contacts);
  const acts = useMemo(() => ({
    add: (user) => client.addContact(user),
    remove: (user) => client.removeContact(user),
    name: (user, nickname) => client.nameContact(user, nickname),
  }), [client]);
  return { contacts: contacts ?? NOBODY, ready: contacts !== undefined, ...acts };
}

export function useInvites() {
  const client = useChat();
  const invites = useReadable(client.invites);
  const acts = useMemo(() => ({
    create: (invite) => client.createInvite(invite),
    revoke: (id) => client.revokeInvite(id),
    redeem: (code) => client.redeemInvite(code),
  }), [client]);
  return { invites: invites ?? NOBODY, ready: invites !== undefined, ...acts };
}

const NOBODY = Object.freeze([]);

export function useSearch(query) {
  const client = useChat();
  const [found, setFound] = useState({ query: "", users: NOBODY });
  useEffect(() => {
    if (!query) return undefined;
    let wanted = true;
    const keep = (users) => wanted && setFound({ query, users });
    client.search(query).then(keep, () => keep(NOBODY));
    return () => {
      wanted = false;
    };
  }, [client, query]);
  return { users: query ? found.users : NOBODY, searching: query !== "" && found.query !== query };
}
