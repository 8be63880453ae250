/**
 * The way into the database: one door through which row-level security always holds. The migrations
 * that make it what it is, and a PostgreSQL of our own for those who have none, are in packages of
 * their own.
 */
@NullMarked
package com.gptdesk.chat.database;

import org.jspecify.annotations.NullMarked;
