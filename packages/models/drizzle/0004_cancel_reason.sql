ALTER TABLE `messages` ADD `cancel_reason` text;--> statement-breakpoint
CREATE TRIGGER IF NOT EXISTS `schedules_unbind` AFTER DELETE ON `schedules` BEGIN
	DELETE FROM `post_action_bindings` WHERE `trigger_type` = 'schedule' AND `trigger_id` = old.`id`;
END;--> statement-breakpoint
CREATE TRIGGER IF NOT EXISTS `webhooks_unbind` AFTER DELETE ON `webhooks` BEGIN
	DELETE FROM `post_action_bindings` WHERE `trigger_type` = 'webhook' AND `trigger_id` = old.`id`;
END;
