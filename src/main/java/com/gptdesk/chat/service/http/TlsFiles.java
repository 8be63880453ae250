package com.gptdesk.chat.service.http;

import java.nio.file.Path;

/**
 * Where the certificate lies that the service shows, and the key that proves it is the service's.
 *
 * @param certificate PEM: the service's own first, then those between it and a known authority
 * @param key PEM: its private key, not encrypted
 */
public record TlsFiles(Path certificate, Path key) {}
