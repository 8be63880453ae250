/**
 * The service: the commands a person starts, the settings they read, and the stations that they
 * wire together. It uses the library (the packages beside this one), which never uses it.
 */
@NullMarked
package com.gptdesk.chat.service;

import org.jspecify.annotations.NullMarked;
